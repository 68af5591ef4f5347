/* The calls of TensorFlow Lite Micro, https://github.com/tensorflow/tflite-micro, behind the functions of classifier.h. */
#include "classifier.h"

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {
alignas(16) uint8_t arena[MODEL_ARENA_BYTES];
tflite::MicroInterpreter* interpreter = nullptr;
}  // namespace

int classifier_begin(void) {
  static tflite::MicroMutableOpResolver<MODEL_OPERATOR_COUNT> resolver;
  MODEL_ADD_OPERATORS(resolver)
  static tflite::MicroInterpreter made(tflite::GetModel(model_data), resolver, arena, sizeof(arena));
  if (made.AllocateTensors() != kTfLiteOk) {
    return -1; /* MODEL_ARENA_BYTES is too small, or an operator is missing */
  }
  interpreter = &made;
  return 0;
}

model_integer* classifier_input(void) { return interpreter->typed_input_tensor<model_integer>(0); }

int classifier_run(void) {
  if (interpreter->Invoke() != kTfLiteOk) {
    return -1;
  }
  const model_integer* logits = interpreter->typed_output_tensor<model_integer>(0);
  int best = 0;
  for (int k = 1; k < MODEL_CLASSES; ++k) {
    if (logits[k] > logits[best]) {
      best = k;
    }
  }
  interpreter->Reset(); /* the next window by itself: recurrent layers begin anew */
  return best;
}
