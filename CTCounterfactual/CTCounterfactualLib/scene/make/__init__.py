"""What an explanation is in a scene: volumes, label maps, tables, plots, folders, references."""
