"""The pipeline that people build today, as its tutorials show it: what `indexing` is measured against.

    python plain_rag.py FOLDER MODEL

LangChain's TextLoader for every .txt of the folder, RecursiveCharacterTextSplitter (1,000 letters, 100 overlap), the
model by sentence-transformers, LangChain's Chroma. Imports nothing of the studio, so that another environment can run
it. Prints one line of JSON: seconds and seconds of the processor, those of importing and of loading the model apart;
passages, characters. It gives way to other work as a run's worker does.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

NICE = 5


def main(folder: Path, model: str) -> None:
    begun = time.perf_counter()
    from langchain_chroma import Chroma
    from langchain_community.document_loaders import TextLoader
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model)

    class Encoded(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return encoder.encode(texts).tolist()  # type: ignore[no-any-return]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    since, worked = time.perf_counter(), time.process_time()
    read = [one for path in sorted(folder.glob("*.txt")) for one in TextLoader(str(path), encoding="utf-8").load()]
    chunks = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=100).split_documents(read)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as kept:
        Chroma.from_documents(chunks, Encoded(), persist_directory=kept)
        times = {"seconds": time.perf_counter() - since, "cpu_s": time.process_time() - worked}
    times |= {"loading_s": since - begun, "loading_cpu_s": worked}
    characters = sum(len(one.page_content) for one in read)
    print(json.dumps({**times, "passages": len(chunks), "characters": characters}))


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(max(0, NICE - os.nice(0)))
    main(Path(sys.argv[1]), sys.argv[2])
