"""kubernetes #47202 (CRON_TZ), croniter #184, go-cron #225, jobrunr #300, NCrontab #9, resticprofile #482: what people paste into a cron field.

(a) `CRON_TZ=Europe/Berlin 0 12 * * *` has a zone, neither seconds nor years: the refusal should say where a zone goes.
(b) first Monday, last Friday: no way to say it at all (`#`, `5L` refused; day of month and of week are joined by "or").
(c) `0 0 1-7 * */7` is "1st to 7th AND Sunday" in Vixie cron, and here: see docs/cron.md.
Exit 0 when (a) names the zone and (b) can be said.
"""
import os, sys
sys.path.insert(0, os.getcwd())
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.timing.cron import parse
said = {}
for text in ("CRON_TZ=Europe/Berlin 0 12 * * *", "0 9 * * MON#1", "0 17 * * 5L", "0 0 1-7 * */7"):
    try: parse(text); said[text] = "accepted"
    except Refused as refused: said[text] = refused.message
    print(f"{text:34} {said[text]}")
zone = "zone" in said["CRON_TZ=Europe/Berlin 0 12 * * *"]
nth = said["0 9 * * MON#1"] == said["0 17 * * 5L"] == "accepted"
sys.exit(0 if zone and nth else 1)
