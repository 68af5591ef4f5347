"""The operators, by family: what each computes in float and how it is written in integers.

What a kernel takes and gives is as in https://github.com/tensorflow/tflite-micro/tree/main/tensorflow/lite/micro/kernels.
"""
