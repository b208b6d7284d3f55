/* A driver library for the tests: answers the questions that clocks and facts of a device ask, as libnvidia-ml.so.1. */

#include <stdio.h>
#include <string.h>

#define OK 0
#define NOT_SUPPORTED 3

int nvmlInit_v2(void) { return OK; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return OK; }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { (void)code; return "not supported"; }

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    snprintf(version, length, "580.65.06");
    return OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    if (strcmp(uuid, "GPU-01234567-89ab-cdef-0123-456789abcdef") != 0) return 6; /* not found */
    *device = (void *)1;
    return OK;
}

int nvmlDeviceGetClockInfo(void *device, int kind, unsigned *mhz) {
    (void)device;
    *mhz = kind == 1 ? 1755 : 2619; /* 1: multiprocessors, 2: memory */
    return OK;
}

int nvmlDeviceGetMaxClockInfo(void *device, int kind, unsigned *mhz) {
    (void)device;
    *mhz = kind == 1 ? 1980 : 2619;
    return OK;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    (void)device;
    (void)sensor;
    *celsius = 51;
    return OK;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
    (void)device;
    *milliwatts = 310500;
    return OK;
}

int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *milliwatts) {
    (void)device;
    *milliwatts = 700000;
    return OK;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
    (void)device;
    *reasons = 0x4 | 0x1; /* the power limit; idle, which slows nothing */
    return OK;
}

int nvmlDeviceGetEccMode(void *device, unsigned *current, unsigned *pending) {
    (void)device;
    *current = 1;
    *pending = 1;
    return OK;
}

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    (void)device;
    (void)current;
    (void)pending;
    return NOT_SUPPORTED;
}
