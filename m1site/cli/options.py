"""Options that several commands take."""

import click

request_argument = click.argument("request_id", metavar="REQUEST", type=click.UUID)
digest_option = click.option("--digest", help="The arguments' digest that you saw; refused if it is another by now.")
