"""A soak of streams: real workers, agents, a Redis and a vendor, each of which is killed, stopped or goes away now and then.

``nox -s soak -- --stream`` runs it. What has to arrive is counted without the product's help: each worker writes down what
`Dispatcher.flush` or `close` said is in the stream, an observer reads the store itself, and the vendor writes down what it
is sent. Every decision comes from one seed, so a seed repeats a run; when what happens is the machine's to decide.
"""
