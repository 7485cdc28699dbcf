"""Runs the bundle's notebook by papermill, follows it in the log, and says plainly how it ended.

`run.sh` starts `main` in the runner environment, apart from the environment of the notebook's kernel.  These modules
travel in the bundle and import nothing of ours but each other.

Exit codes:
    0    papermill succeeded, and nothing else ends with 0
    1    a cell failed
    65   the notebook, params.json or SCHEDULED_FOR can't be read
    70   the kernel couldn't be started, or isn't there any more
    74   a folder or file couldn't be written, such as on a full disk
    130, 143   stopped by SIGINT, SIGTERM
    138  the kernel died (papermill's own code for it)
(69, an environment couldn't be made, is run.sh's.)
"""
