"""Python half of Hearth: captures PyTorch models for the compiler, runs packages (`hearth.runtime`), and runs PyTorch
as the baseline to beat."""
