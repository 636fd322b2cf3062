// CPUDevice: not filled yet.
