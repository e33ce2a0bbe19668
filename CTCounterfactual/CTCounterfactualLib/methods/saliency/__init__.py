"""Saliency maps by Captum (extra `saliency`), one method a file."""
