# The image of deploy/compose.yaml. Versions are those of requirements.lock; a test compares them.
FROM python:3.13.9-slim
RUN pip install --no-cache-dir \
        "mlflow[auth]==3.17.2" \
        "boto3==1.43.117" \
        "flask-wtf==1.3.0" \
        "psycopg[binary]==3.3.9" \
    && useradd --create-home mlflow
USER mlflow
WORKDIR /home/mlflow
