#define _GNU_SOURCE
#include "cuda_driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define HEARTH_LOOK_UP(FIELD, SYMBOL, PARAMETERS) \
    *(void **)&table->FIELD = dlsym(library, #SYMBOL); \
    if (!table->FIELD) { \
        snprintf(error, capacity, "%s has no function %s", name, #SYMBOL); \
        return 1; \
    }

int hearth_open_cuda(HearthCUDADriver *table, char *error, size_t capacity) {
    static const char name[] = "libcuda.so.1";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : name);
        return -1;
    }
    HEARTH_CUDA_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}

int hearth_cuda_is_there(void) {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library) dlclose(library);
    return library != NULL;
}

static void *management;

/// Opens and starts the management library, once in a process.
static void start_nvml(void) {
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    int (*init)(void) = library ? (int (*)(void))dlsym(library, "nvmlInit_v2") : NULL;
    if (init && !init()) management = library;
    else if (library) dlclose(library);
}

int hearth_read_nvml(const char *bus, HearthNVMLReading *reading) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_nvml);
    void *library = management;
    if (!library) return -1;
    int (*handle)(const char *, HearthNVMLDevice *) =
        (int (*)(const char *, HearthNVMLDevice *))dlsym(library, "nvmlDeviceGetHandleByPciBusId_v2");
    int (*power)(HearthNVMLDevice, unsigned *) =
        (int (*)(HearthNVMLDevice, unsigned *))dlsym(library, "nvmlDeviceGetPowerUsage");
    int (*energy)(HearthNVMLDevice, unsigned long long *) =
        (int (*)(HearthNVMLDevice, unsigned long long *))dlsym(library, "nvmlDeviceGetTotalEnergyConsumption");
    int (*temperature)(HearthNVMLDevice, int, unsigned *) =
        (int (*)(HearthNVMLDevice, int, unsigned *))dlsym(library, "nvmlDeviceGetTemperature");
    int (*clock)(HearthNVMLDevice, int, unsigned *) =
        (int (*)(HearthNVMLDevice, int, unsigned *))dlsym(library, "nvmlDeviceGetClockInfo");
    HearthNVMLDevice device;
    if (!handle || handle(bus, &device)) return -1;
    unsigned value;
    unsigned long long large;
    reading->power_milliwatts = power && !power(device, &value) ? (int64_t)value : -1;
    reading->energy_millijoules = energy && !energy(device, &large) ? (int64_t)large : -1;
    reading->temperature = temperature && !temperature(device, 0, &value) ? (int32_t)value : -1;
    reading->sm_clock_mhz = clock && !clock(device, 1, &value) ? (int32_t)value : -1;
    reading->memory_clock_mhz = clock && !clock(device, 2, &value) ? (int32_t)value : -1;
    return 0;
}
