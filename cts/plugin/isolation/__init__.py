"""Cases in child processes, so that nothing a driver does can take the run down.

pytest's own loop stays in the parent, which has no driver code in it:

1. `protocol` takes each case out of pytest's loop and hands it to the `lane` of its driver;
2. a lane runs the cases of one driver, one after another, in a child of its own; it decides what
   became of each: runs a failed one again, tries the driver after a crash, gives a driver up;
3. `nursery` and `process` are the parent's hold on a child: start it, keep its time, end it, say
   how it died;
4. `child` is the child: a pytest session of its own that runs what it is told to, and reports;
5. the reports come back, and pytest is told of them as if the case had run here.

A child is forked from a *nursery*: a pytest session that has collected the cases and has not
touched the driver, so that a fresh child takes milliseconds. Where there is no fork, or a debugger
is to start the child, each child is a new process that collects for itself.
"""
