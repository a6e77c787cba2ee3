"""Rules and test cases as people fill them in who do not write YAML: form data in, a value of the document out."""
