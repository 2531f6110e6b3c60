# docker build -t keras_sharpness .                                      TensorFlow; --build-arg EXTRAS=jax,cli for JAX
# docker run --rm -v "$PWD/runs:/work/runs" keras_sharpness --model=gat  results are in runs/
FROM python:3.11-slim
ARG EXTRAS=tensorflow,datasets,cli
COPY . /source
RUN pip install --no-cache-dir "/source[$EXTRAS]" && rm -r /source
WORKDIR /work
ENTRYPOINT ["keras_sharpness"]
