"""What a hostile program tries: each sets `notes["done"]` where it succeeds.

The same text runs locked in the sandbox, where it must fail, and once in plain Python, where it
must succeed: an attack that can't succeed proves nothing. `request` holds what to attack; harm in
plain Python is bounded (three processes, 64 MB).
"""

from __future__ import annotations

FILES = {
    "read a file": "notes['done'] = open(request['secret']).read()",
    "read the password file": "notes['done'] = open('/etc/passwd').read()[:4]",
    "list the ssh folder": "import os; notes['done'] = os.listdir(request['home'] + '/.ssh')",
    "read an ssh key": "notes['done'] = open(request['home'] + '/.ssh/id_rsa').read()",
    "list the root folder": "import os; notes['done'] = os.listdir('/')",
    "write a file": "open(request['home'] + '/new', 'w').write('x'); notes['done'] = True",
    "append to a file": "open(request['secret'], 'a').write('x'); notes['done'] = True",
    "delete a file": "import os; os.remove(request['secret']); notes['done'] = True",
    "take a file away": "import os; os.rename(request['secret'], 'mine'); notes['done'] = True",
    "truncate a file": "import os; os.truncate(request['secret'], 0); notes['done'] = True",
    "open a file to all": "import os; os.chmod(request['secret'], 0o777); notes['done'] = True",
    "change a file's time": "import os; os.utime(request['secret']); notes['done'] = True",
    "mark a file": (
        "import os; os.setxattr(request['secret'], 'user.x', b'1'); notes['done'] = True"
    ),
    "read through a symbolic link": (
        "import os; os.symlink(request['secret'], 'link'); notes['done'] = open('link').read()"
    ),
    "read through a hard link": (
        "import os; os.link(request['secret'], request['home'] + '/link'); notes['done'] = True"
    ),
    "read its own environment in proc": "notes['done'] = len(open('/proc/self/environ').read())",
    "read its parent's environment": (
        "notes['done'] = len(open(f\"/proc/{request['parent']}/environ\").read())"
    ),
    "open its parent's memory": (
        "import os; notes['done'] = os.open(f\"/proc/{request['victim']}/mem\", os.O_RDWR)"
    ),
    "leave a file in shared memory": (
        "import os; place = '/dev/shm/' + request['name']; open(place, 'w').write('x')\n"
        "os.remove(place); notes['done'] = True"
    ),
    "write into the installation": (
        "import json, os; place = os.path.join(os.path.dirname(json.__file__), request['name'])\n"
        "open(place, 'w').write('x'); os.remove(place); notes['done'] = True"
    ),
    "watch a folder": (
        "import ctypes, os; libc = ctypes.CDLL(None)\n"
        "watch = libc.inotify_add_watch(libc.inotify_init(), request['home'].encode(), 256)\n"
        "notes['done'] = watch >= 0"
    ),
    "read a secret of the environment": (
        "import os; notes['done'] = os.environ['FABULA_TEST_SECRET_API_KEY']"
    ),
}

NETWORK = {
    "connect by TCP": (
        "import socket; socket.create_connection(('127.0.0.1', request['port']), 2)\n"
        "notes['done'] = True"
    ),
    "listen on a port": (
        "import socket; place = socket.socket(); place.bind(('127.0.0.1', 0)); place.listen()\n"
        "notes['done'] = True"
    ),
    "send by UDP": (
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))\n"
        "notes['done'] = True"
    ),
    "connect to a local socket": (
        "import socket; socket.socket(socket.AF_UNIX).connect(request['socket'])\n"
        "notes['done'] = True"
    ),
    "connect to an abstract socket": (
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0' + request['name'])\n"
        "notes['done'] = True"
    ),
    "resolve a name": ("import socket; notes['done'] = bool(socket.getaddrinfo('localhost', 80))"),
    "open a socket behind Python's back": (
        "import ctypes; notes['done'] = ctypes.CDLL(None).socket(2, 1, 0) >= 0"
    ),
}

PROCESSES = {
    "run a command": "import os; notes['done'] = os.system('true') == 0",
    "run a program": (
        "import subprocess; subprocess.run(['true'], check=True); notes['done'] = True"
    ),
    "spawn a program": ("import os; notes['done'] = os.posix_spawn('/bin/true', ['true'], {}) > 0"),
    "fork like a bomb": (
        "import os\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os._exit(0)\n"
        "notes['done'] = True"
    ),
    "fork behind Python's back": (
        "import ctypes, os; pid = ctypes.CDLL(None).fork()\n"
        "if pid == 0: os._exit(0)\n"
        "notes['done'] = pid > 0"
    ),
    "clone by a raw call": (
        "import ctypes, os; call = request['calls']['clone']\n"
        "pid = ctypes.CDLL(None).syscall(call, 17, 0, 0, 0, 0)\n"
        "if pid == 0: os._exit(0)\n"
        "notes['done'] = pid > 0"
    ),
    "clone by the newer raw call": (
        "import ctypes, os\n"
        "form = (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17, 0, 0, 0)\n"
        "pid = ctypes.CDLL(None).syscall(request['calls']['clone3'], form, 64)\n"
        "if pid == 0: os._exit(0)\n"
        "notes['done'] = pid > 0"
    ),
    "leave a daemon behind": (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    for fd in range(8): os.close(fd) if fd != 5 else None\n"
        "    time.sleep(5)\n"
        "    os._exit(0)\n"
        "notes['done'] = True"
    ),
    "signal a process": "import os; os.kill(request['victim'], 18); notes['done'] = True",
    "signal through a handle": (
        "import os, signal; handle = os.pidfd_open(request['victim'])\n"
        "signal.pidfd_send_signal(handle, 18); notes['done'] = True"
    ),
    "signal through a pipe's owner": (
        "import fcntl, os; read, write = os.pipe()\n"
        "fcntl.fcntl(read, fcntl.F_SETOWN, request['victim']); notes['done'] = True"
    ),
    "trace a process": (
        "import ctypes, os; libc = ctypes.CDLL(None)\n"
        "notes['done'] = libc.ptrace(16, request['victim'], 0, 0) == 0\n"
        "os.waitpid(request['victim'], 0x40000000); libc.ptrace(17, request['victim'], 0, 0)"
    ),
    "read a process's memory": (
        "import ctypes; call = request['calls']['process_vm_readv']\n"
        "notes['done'] = ctypes.CDLL(None).syscall(call, request['victim'], 0, 0, 0, 0, 0) == 0"
    ),
    "limit another process": (
        "import resource as r; now = r.prlimit(request['victim'], r.RLIMIT_CORE)\n"
        "r.prlimit(request['victim'], r.RLIMIT_CORE, now); notes['done'] = True"
    ),
    "set its own limits": (
        "import resource as r; r.setrlimit(r.RLIMIT_CORE, r.getrlimit(r.RLIMIT_CORE))\n"
        "notes['done'] = True"
    ),
    "outlive its parent": "import ctypes; notes['done'] = ctypes.CDLL(None).prctl(1, 0) == 0",
}

KERNEL = {
    "run code from a file in memory": "import os; notes['done'] = os.memfd_create('x') > 0",
    "make memory that is written and run": (
        "import mmap; mmap.mmap(-1, 4096, prot=7); notes['done'] = True"
    ),
    "make written memory run": (
        "import ctypes, mmap; page = mmap.mmap(-1, 4096)\n"
        "place = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "notes['done'] = ctypes.CDLL(None).mprotect(ctypes.c_void_p(place), 4096, 5) == 0"
    ),
    "use io_uring": (
        "import ctypes; form = ctypes.create_string_buffer(120)\n"
        "call = request['calls']['io_uring_setup']\n"
        "notes['done'] = ctypes.CDLL(None).syscall(call, 1, form) >= 0"
    ),
    "enter a user namespace": (
        "import ctypes; notes['done'] = ctypes.CDLL(None).unshare(0x10000000) == 0"
    ),
    "use the kernel's keys": (
        "import ctypes; call = request['calls']['keyctl']\n"
        "notes['done'] = ctypes.CDLL(None).syscall(call, 0, -1, 1) > 0"
    ),
    "share memory": (
        "import ctypes; libc = ctypes.CDLL(None); place = libc.shmget(0, 4096, 0o1600)\n"
        "libc.shmctl(place, 0, 0); notes['done'] = place >= 0"
    ),
    "make a named pipe": "import os; os.mkfifo('pipe'); notes['done'] = True",
    "load a filter of its own": (
        "import ctypes; notes['done'] = ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0"
    ),
}

ESCAPES = {**FILES, **NETWORK, **PROCESSES, **KERNEL}
