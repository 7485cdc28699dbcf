"""Apprise `mailto://` is plain SMTP: the address that docs/word.md shows to operators sends user and password unencrypted.

A mail server that offers STARTTLS and AUTH, and notes whether AUTH came before TLS.
Right: the documented address uses TLS (mailtos://).  Exit 0 when no password crosses the wire in the clear.
"""
import os, re, sys
sys.path.insert(0, os.getcwd())
import socketserver, threading
from pathlib import Path
from jupyter_schedule.core.config import Channel
from scheduler_service.notifications.channels import AppriseChannel
from scheduler_service.notifications.message import Message

seen = []
class Smtp(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 mail ESMTP")
        while line := self.rfile.readline():
            text = line.decode(errors="replace").strip(); seen.append(text)
            word = text.upper()
            if word.startswith("EHLO"): self.say("250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN")
            elif word.startswith("STARTTLS"): self.say("454 TLS not available"); return
            elif word.startswith("AUTH"): self.say("235 ok") if len(word.split()) > 2 else self.say("334 ")
            elif word == "DATA":
                self.say("354 go")
                while self.rfile.readline() not in (b".\r\n", b""): pass
                self.say("250 taken")
            elif word == "QUIT": self.say("221 bye"); return
            else: self.say("250 ok")
    def say(self, text): self.wfile.write(text.encode() + b"\r\n")
server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp); server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
documented = re.search(r"`(mailtos?://[^`]+)`", Path("docs/notifications.md").read_text())[1]
address = documented.replace("mail.example.org", f"127.0.0.1:{server.server_address[1]}", 1)
print("documented:", documented)
said = AppriseChannel(address, "team", Channel(variable="W")).send(Message("1", "t", "b", good=False))
auth = [line for line in seen if line.upper().startswith("AUTH")]
print("taken:", said is None, "| STARTTLS asked for:", any(l.upper().startswith("STARTTLS") for l in seen), "| AUTH in the clear:", bool(auth))
sys.exit(1 if auth else 0)
