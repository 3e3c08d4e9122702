"""The system calls that a locked child may make; all others are refused by the kernel.

An allow-list, because a list of what is forbidden ages: each kernel brings calls that it misses.
What is not listed answers "no such call" (ENOSYS), on which libraries fall back to older calls, as
glibc does from `clone3` to `clone`. Calls that a program tries on purpose answer "not permitted",
which reads better in a traceback. Some calls are allowed with certain arguments only: threads but
no processes, signals to itself but to nobody else, no memory that is executed: all code that runs
was there before the lock (see `extensions`).
"""

from __future__ import annotations

import ctypes.util
import errno
import os
from typing import Any

ALLOWED = """
    access brk chdir clock_getres clock_gettime clock_nanosleep close close_range copy_file_range
    dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group
    faccessat faccessat2 fadvise64 fchdir fdatasync flock fstat fstatfs fsync ftruncate
    futex getcpu getcwd getdents64 getegid geteuid getgid getgroups getpgid getpgrp getpid
    getppid getrandom getresgid getresuid getrlimit getrusage getsid gettid gettimeofday getuid
    lseek lstat membarrier mkdir mkdirat mremap msync munmap nanosleep newfstatat open
    openat pause pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6 pwrite64 pwritev pwritev2
    read readlink readlinkat readv rename renameat renameat2 restart_syscall rmdir rseq
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait
    sched_getaffinity sched_getparam sched_getscheduler sched_yield select sendfile
    set_robust_list set_tid_address sigaltstack stat statfs statx sysinfo time times umask uname
    unlink unlinkat wait4 waitid write writev
"""

NOT_PERMITTED = """
    accept accept4 bind bpf chmod chown chroot connect execve execveat fchmod fchmodat fork
    io_uring_setup keyctl link linkat listen memfd_create mount perf_event_open pidfd_open
    process_vm_readv process_vm_writev ptrace setns setrlimit shmget socket socketpair symlink
    symlinkat truncate unshare userfaultfd vfork
"""

CLONE_THREAD = 0x00010000
CLONE_NEW_NAMESPACES = 0x7E020080
PROT_EXEC = 4
PR_SET_NAME, PR_GET_NAME = 15, 16
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)
"""Copies, flags and locks; not F_SETOWN and F_SETSIG, which send signals, nor F_SETPIPE_SZ, which
takes memory of the kernel."""
FIRST_PRIVILEGED_ADVICE = 100
"""From here on, `madvise` takes pages away from everybody."""
IOCTL_COMMANDS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Is it a terminal, how wide; bytes to read; blocking; close on exec."""


def refuse_all_but_allowed() -> None:
    """Lock this process: from now on the kernel refuses what the lists above do not allow.

    Raises:
        OSError: The kernel takes no filter.
    """
    seccomp = seccomp_library()
    Arg, EQ, LT, MASKED_EQ = seccomp.Arg, seccomp.EQ, seccomp.LT, seccomp.MASKED_EQ  # noqa: N806
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))

    def allow(name: str, *conditions: Any) -> None:
        rules.add_rule(seccomp.ALLOW, name, *conditions)

    def refuse(name: str, *conditions: Any) -> None:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), name, *conditions)

    for name in ALLOWED.split():
        allow(name)
    for name in NOT_PERMITTED.split():
        refuse(name)
    processes = CLONE_THREAD | CLONE_NEW_NAMESPACES
    allow("clone", Arg(0, MASKED_EQ, processes, CLONE_THREAD))
    refuse("clone", Arg(0, MASKED_EQ, CLONE_THREAD, 0))
    for name in ("mmap", "mprotect"):
        allow(name, Arg(2, MASKED_EQ, PROT_EXEC, 0))
        refuse(name, Arg(2, MASKED_EQ, PROT_EXEC, PROT_EXEC))
    allow("madvise", Arg(2, LT, FIRST_PRIVILEGED_ADVICE))
    allow("kill", Arg(0, EQ, os.getpid()))
    allow("tgkill", Arg(0, EQ, os.getpid()))
    allow("prlimit64", Arg(0, EQ, 0), Arg(2, EQ, 0))
    for option in (PR_SET_NAME, PR_GET_NAME):
        allow("prctl", Arg(0, EQ, option))
    for command in FCNTL_COMMANDS:
        allow("fcntl", Arg(1, EQ, command))
    for command in IOCTL_COMMANDS:
        allow("ioctl", Arg(1, EQ, command))
    rules.load()


def seccomp_library() -> Any:
    """The package `pyseccomp`, told the library's name instead of searching with a compiler.

    Its own search runs ldconfig and gcc, which is slow and fails where there is neither.
    """
    names = {"c": None, "seccomp": "libseccomp.so.2"}
    search = ctypes.util.find_library
    vars(ctypes.util)["find_library"] = names.get
    try:
        import pyseccomp
    finally:
        vars(ctypes.util)["find_library"] = search
    return pyseccomp
