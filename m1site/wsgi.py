"""The server's door: what gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from m1site import heap

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "m1site.settings")
application = get_wsgi_application()
heap.settle()
