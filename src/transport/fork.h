/* Tells a process from the child that fork made of it, cheaply enough to ask on every call.
 * May use: POSIX. Owns: nothing. */
#ifndef OCT_FORK_H
#define OCT_FORK_H

/* A number that stays the same within a process and is another one in its child: what was made
 * under another number belongs to the parent. Only fork() counts: a bare clone() or _Fork() runs no
 * handlers, and its child may do little more than exec anyway. */
unsigned oct_fork_generation(void);

#endif
