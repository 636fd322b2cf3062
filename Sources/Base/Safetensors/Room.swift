// Safetensors: not filled yet.
