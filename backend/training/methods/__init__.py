"""What can move: the methods, the modules they take hold of, and the model built with them by PEFT or Unsloth."""
