/* Work in compiled code: a chain of multiply-adds over a small buffer, on whatever numbers are in it. */

void compute(float *values, long size, long rounds) {
    for (long round = 0; round < rounds; round++) {
        for (long index = 0; index < size; index++) {
            values[index] = values[index] * 0.999999f + 0.0f;
        }
    }
}
