"""The variables of a kernelspec: their values are kept beside the bundle, where only the account reads; nowhere else.

People put passwords and tokens there.  The ledger, which others may read, has their names and the object's.
"""

import hashlib
import json

from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.object_keys import kernel_variables_key
from jupyter_schedule.core.storage.factory import ObjectStorage

#: scrypt's cost: who reads the ledger can't try out what a short value may be
_COST = 2**14


def keep_variables(objects: ObjectStorage, bundle: str, kernel: Kernel) -> Kernel:
    """The kernel as it is recorded, once its variables are kept beside that bundle."""
    if not kernel.env:
        return kernel
    data = json.dumps(kernel.env, sort_keys=True).encode()
    name = hashlib.scrypt(data, salt=bundle.encode(), n=_COST, r=8, p=1, dklen=16).hex()
    key = kernel_variables_key(bundle, name)
    objects.put_secret(key, data)
    return kernel.model_copy(update={"env": {}, "env_names": tuple(sorted(kernel.env)), "env_object": key})
