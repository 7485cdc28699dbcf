"""Discord (and Telegram, Pushover, SMS…) refuse long messages: snapraid-aio-script #154, jb3/webhook-discord #43, go-micro #1704, action-discord #147.

A failure's word has the last 20 lines of the log, of 300 signs at most: 6,000 signs, where Discord takes 2,000.  Apprise sends it as it is
(overflow=upstream) unless it is told to cut or split.  A stand-in for Discord answers 400 above its limit, as Discord does.
Right: the word arrives (cut or in parts).  Exit 0 when it does.
"""
import os, sys, json
sys.path.insert(0, os.getcwd())
import requests
from pathlib import Path
from jupyter_schedule.core.config import Channel
from scheduler_service.notifications.channels import AppriseChannel
from scheduler_service.notifications.deliver import MOST
from scheduler_service.notifications.message import Message

address = {"discord": "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz", "telegram": "tgram://123456789:abcdefg_hijklmnop/12345"}[sys.argv[1] if len(sys.argv) > 1 else "discord"]
limit = 2000 if address.startswith("discord") else 4096
sent = []
def request(self, method, url, **options):
    payload = options.get("json") or options.get("data") or {}
    payload = json.loads(payload) if isinstance(payload, (str, bytes)) else payload
    text = str(payload.get("content") or payload.get("text") or (payload.get("embeds") or [{}])[0].get("description", ""))
    sent.append(len(text))
    answer = requests.Response(); answer.url = url
    answer.status_code = 400 if len(text) > limit else 200
    answer._content = b'{"code": 50035, "message": "Invalid Form Body"}' if len(text) > limit else b'{"ok": true, "result": {"message_id": 1}}'
    return answer
requests.Session.request = request
lines = "\n".join(f"  {number:02} " + "x" * 296 for number in range(20))
word = Message("0b7c", "“flights” failed", f"The cell failed.\n\nThe last lines of its log:\n{lines}\n\nMessage 0b7c", good=False)
said = AppriseChannel(address, "team", Channel(variable="W")).send(word)
print("signs sent:", sent, "| arrived:", said is None, "| told:", said, f"| tried {MOST} times, the same each time")
sys.exit(0 if said is None and sent else 1)
