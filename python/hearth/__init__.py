"""Python half of Hearth: captures PyTorch models for the compiler and runs PyTorch as the baseline to beat."""
