# Writes model.pth with torch itself, the values it holds (values.json), and q rows as Hugging Face
# orders them (permuted.json). Made with Debian's python3-torch: /usr/bin/python3 make.py, then biome format --write
import json
import os

import torch

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(7)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)


shared = torch.randn(6, 5)
tensors = {
    "plain": torch.randn(3, 4),
    "half": torch.randn(2, 3).half(),
    "brain": torch.randn(2, 3).bfloat16(),
    "transposed": torch.randn(4, 3).t(),
    "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
    "rows of shared": shared[2:5],
    "columns of shared": shared[:, 1:4],
    "parameter": torch.nn.Parameter(torch.randn(5)),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "counts": torch.arange(6, dtype=torch.int64).reshape(2, 3),
}
# A state dict of a module brings torch's own _metadata along.
state = Block().state_dict()
state.update(tensors)
torch.save(state, os.path.join(here, "model.pth"))
torch.save(tensors, os.path.join(here, "legacy.pth"), _use_new_zipfile_serialization=False)

values = {
    name: {"shape": list(tensor.shape), "values": tensor.detach().double().flatten().tolist()}
    for name, tensor in state.items()
}
with open(os.path.join(here, "values.json"), "w") as file:
    json.dump(values, file, indent=1)

# transformers' conversion script: w.view(heads, rows / heads / 2, 2, columns).transpose(1, 2)
heads, rows, columns = 2, 12, 2
meta = torch.arange(rows * columns).reshape(rows, columns)
hugging_face = meta.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)
with open(os.path.join(here, "permuted.json"), "w") as file:
    json.dump({"meta": meta.tolist(), "huggingFace": hugging_face.tolist()}, file)
