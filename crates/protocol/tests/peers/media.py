"""Makes pictures, a video and a recording in the folder that is the argument."""
import math
import struct
import subprocess
import sys
import wave

import imageio_ffmpeg
from PIL import Image, ImageDraw

folder = sys.argv[1]


def picture(name, width, height, hue):
    """A landscape of bands, so that a wrong picture is seen at once."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for band in range(12):
        colour = f"hsl({(hue + band * 9) % 360}, 45%, {85 - band * 6}%)"
        top = height * band // 12
        points = [(x, top + int(height / 30 * math.sin(x / width * 9 + band))) for x in range(0, width + 1, 8)]
        draw.polygon(points + [(width, height), (0, height)], fill=colour)
    image.save(f"{folder}/{name}.webp", quality=75)


for n in range(5):
    picture(f"picture-{n}", 1600, 1200 - 100 * n, n * 67 + 190)
    picture(f"small-{n}", 480, 360 - 30 * n, n * 67 + 190)
picture("avatar", 480, 480, 20)
picture("poster", 1280, 720, 140)

with wave.open(f"{folder}/sound.wav", "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(8000)
    for at in range(8000):
        sound.writeframes(struct.pack("<h", int(9000 * math.sin(at / 8))))

ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
subprocess.run(ffmpeg + ["-i", f"{folder}/sound.wav", f"{folder}/sound.mp3"], check=True)
subprocess.run(
    ffmpeg
    + ["-loop", "1", "-t", "1", "-i", f"{folder}/poster.webp", "-vf", "scale=320:180"]
    + ["-pix_fmt", "yuv420p", "-movflags", "+faststart", f"{folder}/video.mp4"],
    check=True,
)
