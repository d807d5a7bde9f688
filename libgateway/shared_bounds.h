/* Bounds that MarsDB, which refuses what is beyond them, shares with the bus, which carries it. */
#ifndef LIBGATEWAY_SHARED_BOUNDS_H
#define LIBGATEWAY_SHARED_BOUNDS_H

#define GITLAB_INSTANCES_MAX 64

#endif
