/*
 * Labels a stream of samples: quantises each as it comes, keeps the last window in a ring buffer, and runs the network
 * at every stride. On a watch, call stream_push from where samples arrive. The main function here reads samples from
 * standard input, a line of MODEL_CHANNELS numbers each, in the units and the order of model.json.
 *
 * Build it with the tree and the library of TensorFlow Lite Micro that its guide makes, TFLM and libtflm.a:
 * https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/docs/new_platform_support.md
 *   cc -std=c99 -c example.c
 *   c++ -std=c++17 -DTF_LITE_STATIC_MEMORY -I TFLM -I TFLM/third_party/flatbuffers/include \
 *       -I TFLM/third_party/gemmlowp -c classifier.cc
 *   c++ example.o classifier.o libtflm.a -lm
 * TF_LITE_STATIC_MEMORY changes the layout of structures: define it here if and only if the library was built with it.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "classifier.h"

#define LAST 3 /* the majority of so many labels is what is said; 1: each label as it is */

static model_integer ring[MODEL_WINDOW][MODEL_CHANNELS];
static int next_row = 0;            /* where the next sample goes, which is the oldest one's place */
static int missing = MODEL_WINDOW;  /* samples until the next label */
static int labels[LAST];
static int labelled = 0;

/* The most frequent of the last labels; of equally frequent ones the one that came last. */
static int majority(void) {
  const int known = labelled < LAST ? labelled : LAST;
  int best = -1, most = 0;
  for (int back = 1; back <= known; ++back) {
    const int label = labels[(labelled - back) % LAST];
    int count = 0;
    for (int other = 0; other < known; ++other) {
      count += labels[other] == label;
    }
    if (count > most) {
      most = count;
      best = label;
    }
  }
  return best;
}

/* Takes a sample; the number of the class where a label is due, -1 between strides, -2 when the network fails. */
int stream_push(const float* sample) {
  for (int c = 0; c < MODEL_CHANNELS; ++c) {
    /* One multiplication and one addition scale and quantise; lrintf rounds halves to even, as in training. */
    const long integer = lrintf(sample[c] * model_factor[c] + model_offset[c]);
    const long held = integer < MODEL_LEAST ? MODEL_LEAST : integer > MODEL_MOST ? MODEL_MOST : integer;
    ring[next_row][c] = (model_integer)held;
  }
  next_row = (next_row + 1) % MODEL_WINDOW;
  if (--missing > 0) {
    return -1;
  }
  missing = MODEL_STRIDE;
  model_integer* input = classifier_input(); /* oldest sample first */
  const size_t older = (size_t)(MODEL_WINDOW - next_row) * MODEL_CHANNELS;
  memcpy(input, ring[next_row], older * sizeof *input);
  memcpy(input + older, ring[0], (size_t)next_row * MODEL_CHANNELS * sizeof *input);
  const int label = classifier_run();
  if (label < 0) {
    return -2;
  }
  labels[labelled++ % LAST] = label;
  return majority();
}

/* To be called after a gap in the samples, which no window may span: the next label comes a whole window later. */
void stream_restart(void) {
  missing = MODEL_WINDOW;
  labelled = 0;
}

int main(void) {
  if (classifier_begin() < 0) {
    fprintf(stderr, "the model can't be loaded\n");
    return 1;
  }
  float sample[MODEL_CHANNELS];
  for (long number = 1;; ++number) {
    for (int c = 0; c < MODEL_CHANNELS; ++c) {
      if (scanf("%f", &sample[c]) != 1) {
        return 0;
      }
    }
    const int label = stream_push(sample);
    if (label == -2) {
      fprintf(stderr, "the network failed\n");
      return 1;
    }
    if (label >= 0) {
      printf("%.2f s  %s\n", (double)number / MODEL_RATE_HZ, model_classes[label]);
    }
  }
}
