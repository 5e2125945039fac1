"""Work as data: what is to be measured, exported or searched for a phantom, whoever runs it and wherever."""
