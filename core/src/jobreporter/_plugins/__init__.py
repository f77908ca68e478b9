"""Loading plugins: read, refused where they would not do what their author meant, and turned into quick calls."""
