"""Stage `train`: a supervised warm-up on the English references, then GRPO with LoRA on target-language prompts."""
