"""The Hugging Face Hub: datasets are pushed with a card, and read."""
