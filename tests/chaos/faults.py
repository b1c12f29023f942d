"""What breaks. Each fault is done once by its function, which returns when the cause is over."""

import random
import signal
import time


def restarted_fast(world):
    world.postgres.stop("fast")
    world.postgres.start()


def restarted_immediate(world):
    world.postgres.stop("immediate")
    world.postgres.start()


def a_process_of_postgresql_killed(world):
    world.postgres.crash()


def stopped_for_five_seconds(world):
    world.postgres.stop("fast")
    time.sleep(5)
    world.postgres.start()


def frozen_for_five_seconds(world):
    world.postgres.signal(signal.SIGSTOP)
    time.sleep(5)
    world.postgres.signal(signal.SIGCONT)


def network_cut_for_five_seconds(world):
    world.proxy.swallows()
    time.sleep(5)
    world.proxy.passes()


def nobody_listens_for_three_seconds(world):
    world.proxy.refuses()
    time.sleep(3)
    world.proxy.passes()


def connections_cut_at_random(world):
    """In the middle of statements, of commits, and of their answers."""
    world.proxy.cuts_some(0.02)
    time.sleep(4)
    world.proxy.passes()


def out_of_connections(world):
    """Others take all that PostgreSQL has, for five seconds, and those of the server are ended."""
    world.postgres.fill(5)


def server_killed(world):
    world.server.kill()
    world.server.start()


def server_restarted(world):
    world.server.stop()
    world.server.start()


def one_of_three_killed(world):
    """Another one each time, behind HAProxy."""
    server = random.choice(world.servers)
    server.kill()
    time.sleep(1)
    server.start()


def one_of_three_updated(world):
    """As a rolling update does it: told to stop, it says so, goes on for a while, and ends."""
    server = world.servers[world.turn % len(world.servers)]
    world.turn += 1
    server.stop()
    server.start()
