"""Airflow makes its home when it is first imported: a temporary one here, whatever the user has."""

import os
import tempfile

_home = tempfile.TemporaryDirectory(prefix="clout-airflow-")
os.environ["AIRFLOW_HOME"] = _home.name
