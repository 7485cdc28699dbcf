"""Pictures as plots are, in each of the formats that pass, drawn by Pillow."""

import io
import random
from functools import cache
from typing import Any

from PIL import Image

PICTURES = ("PNG", "JPEG", "GIF", "WEBP", "BMP")


@cache
def picture(kind: str, seed: int = 5) -> bytes:
    """A few bars and some noise."""
    rng = random.Random(seed)
    image = Image.new("RGB", (60, 40), (250, 250, 250))
    for bar in range(9):
        image.paste((31, 119, 180), (bar * 6, rng.randrange(40), bar * 6 + 4, 40))
    for _ in range(400):
        image.putpixel((rng.randrange(60), rng.randrange(40)), tuple(rng.randbytes(3)))
    return save(image, kind)


def save(image: Any, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
