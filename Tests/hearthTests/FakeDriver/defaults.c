// Every function of NVIDIA's driver and compiler that Hearth calls, doing nothing; fake.c says what some of them do.
#include "cuda_driver.h"
#include "nvrtc_library.h"

#define DEFINE(FIELD, SYMBOL, PARAMETERS) __attribute__((weak)) int SYMBOL PARAMETERS { return 0; }
HEARTH_CUDA_FUNCTIONS(DEFINE)
#define DEFINE_COMPILER(SYMBOL, PARAMETERS) __attribute__((weak)) int SYMBOL PARAMETERS { return 0; }
HEARTH_NVRTC_FUNCTIONS(DEFINE_COMPILER)
