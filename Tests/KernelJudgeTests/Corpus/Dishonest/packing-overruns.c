KERNEL(pack) {
    float *packed = buffers[1];
    memcpy(packed, buffers[0], sizeof(float) * K * N);
    memset(packed + K * N, 0, 8192);
    return 0;
}
KERNEL(kernel) { return 0; }
