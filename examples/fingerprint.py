"""Fingerprints of the tensors of a Hugging Face folder, by docs/fingerprints.md and nothing else; plain Python.

    python3 fingerprint.py FOLDER      prints {"tensors": {name: sha256, ...}, "part": sha256}, as fingerprint --json has them
"""
import glob, hashlib, json, os, re, struct, sys

TYPES = {"BF16": ("bfloat16", 2), "F16": ("float16", 2), "F32": ("float32", 4)}
NAMES = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
         "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
         "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}
WHOLE = {"model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output"}


def canonical_name(name):
    stem = name.removesuffix(".weight")
    if stem in WHOLE:
        return WHOLE[stem] + ".weight"
    layer = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", stem)
    return f"layers.{layer[1]}.{NAMES[layer[2]]}.weight" if layer and layer[2] in NAMES else None


def tensors_of(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            for name, info in header.items():
                if name != "__metadata__":
                    start, end = info["data_offsets"]
                    file.seek(8 + length + start)
                    yield name, info["dtype"], info["shape"], file.read(end - start)


def in_metas_order(data, rows, head_dim):
    """Hugging Face has the even rows of a head first, then the odd ones; Meta has them in turn."""
    width, half = len(data) // rows, head_dim // 2
    row = lambda at: data[at * width:(at + 1) * width]
    return b"".join(row(head + half * (i % 2) + i // 2) for head in range(0, rows, head_dim) for i in range(head_dim))


def narrowest(dtype, data):
    """The first of bfloat16, float16 and float32 that holds every value to the bit."""
    if dtype == "BF16":
        return "bfloat16", data
    count = len(data) // TYPES[dtype][1]
    wide = data if dtype == "F32" else struct.pack(f"<{count}f", *struct.unpack(f"<{count}e", data))
    if not any(wide[0::4]) and not any(wide[1::4]):
        return "bfloat16", b"".join(wide[at + 2:at + 4] for at in range(0, len(wide), 4))
    if dtype == "F16":
        return "float16", data
    try:
        half = struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", data))
        if struct.pack(f"<{count}f", *struct.unpack(f"<{count}e", half)) == data:
            return "float16", half
    except OverflowError:
        pass
    return "float32", data


def fingerprints(folder):
    config = json.load(open(os.path.join(folder, "config.json"), encoding="utf-8"))
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    found = {}
    for hf_name, dtype, shape, data in tensors_of(folder):
        name = canonical_name(hf_name)
        if name is None:  # rotary frequencies
            continue
        if name.endswith((".wq.weight", ".wk.weight")):
            data = in_metas_order(data, shape[0], head_dim)
        form, elements = narrowest(dtype, data)
        line = f"llama-inspect/tensor/v1 {form} [{','.join(map(str, shape))}]\n"
        found[name] = hashlib.sha256(line.encode() + elements).hexdigest()
    if found.get("output.weight") == found["tok_embeddings.weight"]:
        found.pop("output.weight")
    return found


if __name__ == "__main__":
    tensors = fingerprints(sys.argv[1])
    text = json.dumps(tensors, sort_keys=True, separators=(",", ":"))  # RFC 8785, as all names are ASCII
    print(json.dumps({"tensors": tensors, "part": hashlib.sha256(text.encode()).hexdigest()}))
