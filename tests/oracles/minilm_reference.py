"""Make minilm_reference.json: vectors of all-MiniLM-L6-v2 by the transformers library.

Run with torch and transformers installed, and the folder of the model as the only argument:
    python tests/oracles/minilm_reference.py MODEL_FOLDER > tests/oracles/minilm_reference.json
"""

import json
import sys

import torch
import transformers
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    "honesty",
    "social responsibility",
    "When the report was due, I checked every figure twice before I sent it.",
    "I did not care who was left out.",
    "",
    "Größe, naïveté and 数 — punctuation; and 1,000 numbers?",
    "patience " * 300,
]

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], local_files_only=True)
model = AutoModel.from_pretrained(sys.argv[1], local_files_only=True).eval()
vectors = []
for text in TEXTS:
    batch = tokenizer([text], truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    pooled = (hidden * mask).sum(1) / mask.sum(1)
    unit = torch.nn.functional.normalize(pooled, dim=1)[0]
    vectors.append([round(float(x), 7) for x in unit])
json.dump(
    {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "texts": TEXTS,
        "vectors": vectors,
    },
    sys.stdout,
)
