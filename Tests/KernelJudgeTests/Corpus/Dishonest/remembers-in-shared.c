// Expects to find what the call before left in scratch memory.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    const float *before = buffers[2];
    for (int64_t row = first; row < last; row++) {
        softmax_row(in + row * columns, out + row * columns, columns);
        out[row * columns] += before[row * columns] * 1e-30f;
    }
    return 0;
}
