"""aws-deadline/deadline-cloud-worker-agent #249, #1010; aws/aws-node-termination-handler #916: one slow answer of the metadata service
ends the thread that waits for the spot notice.

A metadata server that takes the connection and doesn't answer once (urlopen raises TimeoutError while it reads the
answer, which is no URLError), then breaks a connection off (RemoteDisconnected), and then has a notice.
Right: the agent is sent TERM.  Exit 0 when it is.
"""
import os, sys
sys.path.insert(0, os.getcwd())
import signal, socket, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from scheduler_service.worker import bootstrap as fetch_agent, ec2_main as machine

HOW = sys.argv[1] if len(sys.argv) > 1 else "silent"
calls = []

class Imds(BaseHTTPRequestHandler):
    def do_PUT(self):
        self.answer(b"token")
    def do_GET(self):
        calls.append(self.path)
        if len(calls) == 1:                      # the one bad moment
            if HOW == "silent":
                time.sleep(3)
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.answer(b'{"action": "terminate", "time": "2026-11-30T08:00:00Z"}')
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Imds); server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
fetch_agent.METADATA = f"http://127.0.0.1:{server.server_address[1]}/latest/"
real = urllib.request.urlopen                    # 5 s are shortened, nothing else is changed
urllib.request.urlopen = lambda request, timeout=None: real(request, timeout=0.5)
machine.LOOK_EVERY = 0.2
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
watcher = threading.Thread(target=machine._stop_at_a_spot_notice, daemon=True)
watcher.start()
told.wait(6)
print("looks:", len(calls), "watcher alive:", watcher.is_alive(), "told to stop:", told.is_set())
os._exit(0 if told.is_set() else 1)
