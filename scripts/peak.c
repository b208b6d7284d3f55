/* Multiply-adds as fast as this processor starts them: sums that do not wait for each other, all in registers. */

typedef float vector __attribute__((vector_size(64)));

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define LET(i) vector s##i = factor + (float)i;
#define STEP(i) s##i = s##i * factor + term;
#define ADD(i) +s##i[0] + s##i[15]

float peak(long rounds)
{
    vector factor, term;
    for (int lane = 0; lane < 16; lane++) {
        factor[lane] = 0.999f;
        term[lane] = 1e-3f;
    }
    EACH(LET)
    for (long round = 0; round < rounds; round++) {
        EACH(STEP)
    }
    return 0 EACH(ADD);
}
