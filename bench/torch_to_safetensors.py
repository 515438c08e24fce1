#!/usr/bin/env python3
"""A checkpoint of Meta's as safetensors, as one writes it by hand: PyTorch reads, safetensors writes.

    python3 torch_to_safetensors.py consolidated.00.pth OUTPUT.safetensors

Names and the order of rows stay as they are, which ours changes on top. The file is flushed, as ours is.
"""
import os
import sys

import torch
from safetensors.torch import save_file

state = torch.load(sys.argv[1], map_location="cpu", weights_only=True, mmap=True)
if state["output.weight"].data_ptr() == state["tok_embeddings.weight"].data_ptr():
    del state["output.weight"]  # safetensors refuses two names for one storage
save_file(state, sys.argv[2])
file = os.open(sys.argv[2], os.O_RDONLY)
os.fsync(file)
os.close(file)
