"""Ready-made specs, one YAML file each, that `fabula init --template NAME` writes."""
