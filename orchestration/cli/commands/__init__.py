"""The commands, one module each; the table in ``main.py`` names them."""
