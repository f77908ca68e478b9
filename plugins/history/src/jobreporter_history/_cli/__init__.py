"""The commands ``jobreporter history`` and ``jobreporter incidents``. Workers never import them."""
