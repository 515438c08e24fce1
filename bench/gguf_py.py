#!/usr/bin/env python3
"""What gguf-py, the library of llama.cpp's own converter, takes for two things that ours does.

    python3 gguf_py.py open FILE.gguf
    python3 gguf_py.py q8_0 consolidated.00.pth OUTPUT.gguf

`open` reads the header with every string in it. `q8_0` reads with PyTorch and quantizes the matrices with NumPy; names stay
Meta's, as only the work on the weights is to be compared.
"""
import os
import sys

import gguf


def open_file(path: str) -> None:
    reader = gguf.GGUFReader(path)
    strings = 0
    for field in reader.fields.values():
        if field.types[-1] == gguf.GGUFValueType.STRING:
            strings += len(field.contents()) if field.types[0] == gguf.GGUFValueType.ARRAY else 1
    print(strings)


def quantize(source: str, output: str) -> None:
    import torch

    state = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    if state["output.weight"].data_ptr() == state["tok_embeddings.weight"].data_ptr():
        del state["output.weight"]
    kind = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(output, "llama")
    for name, tensor in state.items():
        quantized = tensor.dim() > 1
        shape = gguf.quant_shape_to_byte_shape(tuple(tensor.shape), kind) if quantized else tuple(tensor.shape)
        length = tensor.numel() // 32 * 34 if quantized else tensor.numel() * 4
        dtype = "uint8" if quantized else "float32"
        writer.add_tensor_info(name, shape, gguf.gguf_writer.np.dtype(dtype), length, kind if quantized else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in state.values():
        values = tensor.float().numpy()
        writer.write_tensor_data(gguf.quants.quantize(values, kind) if tensor.dim() > 1 else values)
    writer.close()
    file = os.open(output, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


if sys.argv[1] == "open":
    open_file(sys.argv[2])
else:
    quantize(sys.argv[2], sys.argv[3])
