@echo off
rem privxray, with the Python that lies beside it.
"%~dp0python\python.exe" -m privxray %*
