"""The procedure of the paper's released PyTorch code, which differs from its text: `--protocol=released`.

Each particular in which the two differ has a name (`particulars`) and can be set as in the paper on its own.
"""
