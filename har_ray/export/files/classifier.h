/* The network as plain C sees it; classifier.cc runs it with TensorFlow Lite Micro, whose interpreter is C++. */
#ifndef CLASSIFIER_H_
#define CLASSIFIER_H_

#include "model_data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Loads the model; 0 when it can run, a negative number when it can't. Call it once. */
int classifier_begin(void);

/* The network's input: a window of integers, sample after sample, MODEL_WINDOW * MODEL_CHANNELS values. */
model_integer* classifier_input(void);

/* Runs the network on what lies in its input; the number of the class, or a negative number when it fails. */
int classifier_run(void);

#ifdef __cplusplus
}
#endif

#endif
