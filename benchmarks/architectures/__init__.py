"""Every architecture of the installed transformers, small: are outputs unchanged, and weights exact?"""
